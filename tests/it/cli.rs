//! The command line as operators and their scripts see it: exit codes, what is printed where, and what
//! to do next.

mod commands;
mod exits;
mod init;
mod looks;
mod server;
