"""What the server does one after another: the queue, and a training from its start to its report."""
