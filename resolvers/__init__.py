"""How a field is answered: context, loaders, commands, access and paging."""
