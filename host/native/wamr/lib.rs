// Nothing: cargo wants a target in every package.
