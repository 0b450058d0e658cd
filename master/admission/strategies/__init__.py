"""What single kinds keep, drop or derive on a write; `master.admission.strategy` calls it."""
