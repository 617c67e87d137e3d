"""Work side by side in one process: background tasks, the fair queue before scarce work, calls that several wait for.

What is done in them is decided above; processes beside each other are `workers`, work that leaves the process `outbound`.
"""
