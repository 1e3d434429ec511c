"""Networks: bases, adapters, attention by documents, the loss where something is taught."""
