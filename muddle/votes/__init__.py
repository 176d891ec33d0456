"""What visitors say of muddles: kept if they agree, read, and measured beside the networks."""
