"""A model's parts: what of it trains, its heads, its maps, what a step costs."""
