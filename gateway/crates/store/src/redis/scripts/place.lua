-- KEYS: the room's three   ARGV: 1 now, 2 holder, 3 when its patience is over, 4 lifetime
return place(ARGV[2], ARGV[3], ARGV[4], tidy()) or {'none'}
