"""The claim of the health insurance as files: XML0 to XML15 of decision 3176/QĐ-BYT, their field tables as dated data, the envelope
that the insurance portal and the city's data axis take, its signature, what must be true of a claim.

    data = write(claim, day)             # {"XML1": [row], "XML2": [row, ...]} -> bytes, unsigned
    envelope = read(data)                # raises Refused, naming where
    faults = check(claim, day)           # [] when it may be sent"""

from .check import check
from .envelope import Envelope, envelope, read, write
from .fault import Fault
from .refused import Refused
from .tables import Claim, Row, fields

__all__ = ["Claim", "Envelope", "Fault", "Refused", "Row", "check", "envelope", "fields", "read", "write"]
