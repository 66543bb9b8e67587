//! Every fault of `lab break`, one after the other in a real lab: what becomes of its ping, that it is taken back, and
//! that nothing of it stays.

mod doctor;
mod inject;
mod table;
mod words;
