"""Reports: query the marts, render, deliver."""
