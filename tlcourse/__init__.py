"""Helpers of the transfer learning course.

The lessons write the essential Keras calls themselves; this package holds the
data, the pictures and the bookkeeping. Importing it imports no backend.
"""

__version__ = "0.1.0"
