"""Infrastructure Atlas: an operations portal with accounts, AI chat, agents and chat bots, kept in SQLite."""
