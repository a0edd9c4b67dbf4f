"""A team's month with a registry, beside a model of the truth: every act's outcome is known before it
is asked for, and at the end all that the server says is compared."""
