"""Pages of the secretary: launching, matters, meetings, confidentiality."""
