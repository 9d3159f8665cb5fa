"""Whether the nodes can be trusted: malformed messages, faults of every kind, and a judge of what comes out.

``reliability.fuzz`` (``make fuzz``) and ``reliability.soak`` (``make soak``) run the real nodes; no node imports this.
"""

from emotion_recognition.reliability.judging import Judge, contract_problems

__all__ = ["Judge", "contract_problems"]
