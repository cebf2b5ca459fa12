"""The figures of the product, measured: CPU of the gate per unit of work, and ratios taken in the same run."""
