"""States, result codes and message types of the tax gateway; result and error codes are our assumption."""

STATES = {
    "slip_received": "Đã nhận phiếu chuyển",
    "determined": "Đã ra thông báo",
    "nothing_due": "Không phát sinh nghĩa vụ",
    "slip_returned": "Trả lại phiếu chuyển",
    "paid": "Đã nộp đủ",
}
DETERMINED, NOTHING_DUE, SLIP_RETURNED = "00", "01", "02"
"""MA_KETQUA."""
OK, REFUSED, REPEATED, UNKNOWN = "0", "01", "02", "03"
"""ERROR_CODE: taken; not understood; this SEQ_ID or voucher is already here; no such dossier."""
SLIP, RESULT, ASK_NOTICES, NOTICES, ASK_OBLIGATION, ASK_SCANS = "10", "11", "14", "15", "16", "17"
"""MSG_TYPE; 10 and 11 belong to TCT_GPC, the others to TCT_TVTBT."""
OFFICE_CODE = "99901"
"""MA_CQT of an invented tax office."""
PROMISED_DAYS = 5
"""How long the office says it takes: a date that can be reset."""
