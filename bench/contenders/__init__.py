"""Ways of loading the same export, a module each.

`load(dsn, path)` brings the export into the database and returns the seconds of its parts, if it knows any; what it
needs is imported with the module. `TABLE` and `KEY`: where the messages stand afterwards, one or more rows a message.
"""
