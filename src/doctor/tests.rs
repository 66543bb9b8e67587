//! Snapshots made by hand, and what an examination finds in them.

mod causes;
mod far;
mod fine;
mod found;
mod hand;
mod node;
mod safe;
mod silence;
mod unseen;
