"""What a training can suffer from: each module reads one kind of evidence."""
