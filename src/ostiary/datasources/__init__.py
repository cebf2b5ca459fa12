"""The gate's own business with a database: side connections and the catalog."""
