"""The states of a dossier in VBDLIS; the names and codes of the steps are invented."""

STATES = {
    "received": "Đã tiếp nhận",
    "appraisal": "Đang thẩm định",
    "tax_slip": "Chuyển thông tin sang thuế",
    "drafting": "Soạn giấy chứng nhận",
    "signing": "Trình ký",
    "waiting_supplement": "Chờ bổ sung",
    "supplement_received": "Đã nhận bổ sung",
    "finished": "Đã kết thúc",
    "returned": "Đã trả kết quả",
}
NEXT = {
    "received": "appraisal",
    "supplement_received": "appraisal",
    "appraisal": "tax_slip",
    "tax_slip": "drafting",
    "drafting": "signing",
}
BACK = {"appraisal": "received", "tax_slip": "appraisal", "drafting": "tax_slip", "signing": "drafting"}
MOVING = frozenset(NEXT) | {"signing"}
OFFICERS = {
    "received": "CB-TIEPNHAN-01",
    "appraisal": "CB-THAMDINH-02",
    "tax_slip": "CB-THUE-03",
    "drafting": "CB-SOANTHAO-04",
    "signing": "LD-KYDUYET-05",
    "supplement_received": "CB-TIEPNHAN-01",
}
STEP_CODES = {
    "received": "TIEPNHAN",
    "appraisal": "THAMDINH",
    "tax_slip": "CHUYENTHUE",
    "drafting": "SOANTHAO",
    "signing": "TRINHKY",
}
