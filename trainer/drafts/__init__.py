"""Files being prepared for a training: kept, edited, checked. Knows no training that runs, and no page."""
