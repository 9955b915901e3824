"""What prints: PDF by typst, DOCX by pandoc, QR codes."""
