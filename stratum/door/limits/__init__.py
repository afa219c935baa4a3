"""How much a step may use of the machine: refused by the kernel where it can count, else watched."""
