"""The build: plain setuptools, with the hot path compiled by mypyc where a compiler is at hand."""

from setuptools import setup

setup()
