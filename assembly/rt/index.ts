// A runtime that refuses to compile: see deny.ts. A runtime file is an entry, and what an entry
// exports is always compiled, so the functions stand in a file of their own.
import './deny';
