"""The apology as a PDF: its sentences and letters, the form of its day, a code that a reader can scan."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from unicodedata import normalize

import pypdfium2
import pytest
import typst
import zxingcpp

from services.sla.papers import apology
from shared.worktime import LOCAL

APOLOGY = apology.Apology(
    agency_name="Chi nhánh Văn phòng đăng ký đất đai Cần Đước",
    superior_name="Văn phòng đăng ký đất đai tỉnh Long An",
    place="Cần Đước",
    issued_at=datetime(2022, 11, 14, 1, 5, 0, 123456, tzinfo=UTC),
    dossier_code="000.17.22.H56-210531-0001",
    procedure_name="Đăng ký biến động quyền sử dụng đất",
    received_at=datetime(2022, 10, 31, 1, 40, tzinfo=UTC),
    due_at=datetime(2022, 11, 15, 10, 0, tzinfo=UTC),
    new_due_at=datetime(2022, 11, 22, 10, 0, tzinfo=UTC),
    reason="Chi cục Thuế chưa gửi thông báo, *_#strong[x]$ \\ <b> giữ nguyên.",
    number="12/PXL-VPĐKĐĐ",
)
IN_2026 = replace(APOLOGY, issued_at=datetime(2026, 3, 5, 1, 5, tzinfo=UTC), late_working_days=2)
ALL_LETTERS = (
    "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
    "ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ"
)  # fmt: skip


def text_of(pdf: bytes) -> str:
    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]
    return normalize("NFC", " ".join(" ".join(pages).split()))


@pytest.mark.parametrize("letter", [APOLOGY, IN_2026])
def test_the_same_apology_gives_the_same_bytes(letter: apology.Apology) -> None:
    assert apology.as_pdf(letter) == apology.as_pdf(letter)


def test_the_apology_says_everything_in_vietnamese() -> None:
    text = text_of(apology.as_pdf(APOLOGY))
    for sentence in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM Độc lập - Tự do - Hạnh phúc",
        "Cần Đước, ngày 14 tháng 11 năm 2022",
        "Số: 12/PXL-VPĐKĐĐ",
        "PHIẾU XIN LỖI VÀ HẸN LẠI NGÀY TRẢ KẾT QUẢ",
        "Kính gửi: Người nộp hồ sơ mã số 000.17.22.H56-210531-0001",
        "tiếp nhận hồ sơ đề nghị giải quyết thủ tục hành chính: Đăng ký biến động quyền sử dụng đất.",
        "Thời gian hẹn trả kết quả: 17:00 ngày 15/11/2022.",
        "dự kiến chưa trả được kết quả",
        "Lý do: Chi cục Thuế chưa gửi thông báo, *_#strong[x]$ \\ <b> giữ nguyên.",
        "Thời gian hẹn lại ngày trả kết quả: 17:00 ngày 22/11/2022.",
        "Mẫu số 04 (Ban hành kèm theo Thông tư 01/2018/TT-VPCP)",
    ):
        assert sentence in text
    assert text.count("000.17.22.H56-210531-0001") == 3
    assert "quá hạn" not in text


def test_after_the_one_re_appointment_an_apology_promises_nothing() -> None:
    text = text_of(apology.as_pdf(replace(APOLOGY, new_due_at=None, late_working_days=2)))
    assert "hồ sơ đã quá hạn 2 ngày làm việc." in text
    assert "PHIẾU XIN LỖI Kính gửi" in text
    assert "hẹn lại ngày" not in text.lower()


@pytest.mark.parametrize(
    ("on", "title"),
    [
        (date(2025, 9, 14), "PHIẾU XIN LỖI VÀ HẸN LẠI NGÀY TRẢ KẾT QUẢ"),
        (date(2025, 9, 15), "VĂN BẢN XIN LỖI VÀ ĐỀ NGHỊ GIA HẠN THỜI GIAN GIẢI QUYẾT"),
    ],
)
def test_the_form_in_force_on_the_local_day_is_used(on: date, title: str) -> None:
    midnight = datetime(on.year, on.month, on.day, tzinfo=LOCAL).astimezone(UTC)
    assert title in text_of(apology.as_pdf(replace(APOLOGY, issued_at=midnight)))


def test_the_form_of_2025_asks_for_an_extension() -> None:
    text = text_of(apology.as_pdf(IN_2026))
    assert "đề nghị gia hạn thời gian giải quyết hồ sơ và hẹn trả kết quả vào 17:00 ngày 22/11/2022." in text
    assert "Cần Đước, ngày 05 tháng 3 năm 2026" in text
    assert "Thông tư 03/2025/TT-VPCP" in text


def test_every_vietnamese_letter_is_drawn_and_read_as_itself() -> None:
    text = text_of(apology.as_pdf(replace(IN_2026, reason=" ".join(ALL_LETTERS))))
    assert " ".join(ALL_LETTERS) in text
    font = re.search(r'font: "([^"]+)"', apology.TEMPLATE.read_text(encoding="utf-8"))
    assert font
    source = f"""#set page(width: 2cm, height: 2cm)
        #set text(font: "{font[1]}", fallback: false)
        #"{ALL_LETTERS}漢字".clusters().join(pagebreak())"""
    *drawn, lacking, also_lacking = typst.compile(source.encode(), format="png", ignore_system_fonts=True)
    assert lacking == also_lacking
    assert len({*drawn, lacking}) == len(ALL_LETTERS) + 1


def test_the_qr_on_the_page_reads_as_the_dossier_code() -> None:
    page = pypdfium2.PdfDocument(apology.as_pdf(APOLOGY))[0].render(scale=3, grayscale=True)
    picture = memoryview(bytes(page.buffer)).cast("B", (page.height, page.stride))
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [APOLOGY.dossier_code]
