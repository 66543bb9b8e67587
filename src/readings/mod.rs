//! The tables beside the leases: what the kernel holds, what a lease promises, and how the two differ. Pure.
