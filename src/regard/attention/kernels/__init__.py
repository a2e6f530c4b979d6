"""The kernels: ways to compute the same attention. :mod:`regard.attention.kernels.table` picks one."""
