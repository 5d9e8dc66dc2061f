SELECT code, parent FROM ir_lang WHERE code IS NOT NULL
