"""What a board could do at most with the models: the roofline. It needs numpy to measure, else Python alone."""

from emotion_recognition.roofline.boards import PAPER_BOARDS, Board, parse_board
from emotion_recognition.roofline.bounds import Bound, bound, to_json
from emotion_recognition.roofline.work import Count, Work, workloads

__all__ = ["PAPER_BOARDS", "Board", "Bound", "Count", "Work", "bound", "parse_board", "to_json", "workloads"]
