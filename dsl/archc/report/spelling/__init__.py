"""How operators, blocks, numbers and shapes stand in text: whatever shows one spells it here."""
