//! Tables and JSON from one value. Writes to the writer it was given.
