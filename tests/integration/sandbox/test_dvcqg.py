"""The national portal in the sandbox: two dialects, and a header that counts the time limit anew when repeated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.sandbox.partners import CODE, Partner, header, step

ACCOUNT = {"username": "lienthong", "password": "chi-de-thu"}
FORM = "%Y%m%d%H%M%S"
REQUIRED = (
    "MaHoSo",
    "MaTTHC",
    "TenTTHC",
    "MaLinhVuc",
    "TenLinhVuc",
    "KenhThucHien",
    "ChuHoSo",
    "LoaiDoiTuong",
    "NgayTiepNhan",
    "NgayHenTra",
    "TrangThaiHoSo",
)


def instant(text: str) -> datetime:
    return datetime.strptime(text, FORM).replace(tzinfo=UTC)


async def session_of(dvcqg: Partner) -> str:
    answer = await dvcqg.call("a/mapi/login", ACCOUNT)
    assert answer["error_code"] == "0"
    return str(answer["session"])


async def say(dvcqg: Partner, service: str, **more: Any) -> Any:
    envelope = {"session": await session_of(dvcqg), "madonvi": "H99", "service": service}
    return await dvcqg.call("a/mapi/g", envelope | more, headers={"dstcode": "VN:THU:1"})


async def read_back(dvcqg: Partner, code: str = CODE) -> Any:
    return (await say(dvcqg, "TraCuuHoSo", mahoso=code))["result"]


async def test_a_header_and_its_progress_are_stored_apart_and_read_back_together(dvcqg: Partner) -> None:
    answer = await say(dvcqg, "DongBoHoSoMC", isUpdating="False", data=[header()])
    assert answer == {"error_code": "0", "message": "Thành công", "result": [{"MaHoSo": CODE}]}
    assert (await say(dvcqg, "CapNhatTienDoHoSoMC", data=[step()]))["error_code"] == "0"
    (found,) = await read_back(dvcqg)
    assert (found["TrangThaiHoSo"], found["NgayHenTra"]) == ("2", "20261201170000")
    assert found["DanhSachTienDo"] == [step()]
    shown = await dvcqg.dossier()
    assert (shown["state"], shown["log_state"], shown["due_at"]) == ("2", "4", "2026-12-01T10:00:00.000Z")


async def test_an_unknown_dossier_reads_back_as_nothing(dvcqg: Partner) -> None:
    answer = await say(dvcqg, "TraCuuHoSo", mahoso="H99.01-261119-9999")
    assert (answer["error_code"], answer["result"]) == ("0", [])


async def test_a_header_repeated_without_is_updating_resets_both_dates(dvcqg: Partner) -> None:
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    (found,) = await read_back(dvcqg)
    received, due = (instant(found[name]) for name in ("NgayTiepNhan", "NgayHenTra"))
    assert found["NgayTiepNhan"] != header()["NgayTiepNhan"]
    assert due - received == timedelta(days=12, hours=9)


async def test_a_header_sent_as_an_update_keeps_its_dates_and_the_progress(dvcqg: Partner) -> None:
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    await say(dvcqg, "CapNhatTienDoHoSoMC", data=[step()])
    update = header(TrangThaiHoSo="9", NgayKetThucXuLy="20261130100000")
    assert (await say(dvcqg, "DongBoHoSoMC", isUpdating="True", data=[update]))["error_code"] == "0"
    (found,) = await read_back(dvcqg)
    assert {key: found[key] for key in update} == update
    assert len(found["DanhSachTienDo"]) == 1


async def test_an_update_of_an_unknown_dossier_is_refused(dvcqg: Partner) -> None:
    answer = await say(dvcqg, "DongBoHoSoMC", isUpdating="True", data=[header()])
    assert answer["error_code"] == "-1"
    assert await dvcqg.codes() == []


@pytest.mark.parametrize("missing", REQUIRED)
async def test_every_required_field_of_a_header_is_required(dvcqg: Partner, missing: str) -> None:
    body = header()
    del body[missing]
    answer = await say(dvcqg, "DongBoHoSoMC", data=[body])
    assert answer["error_code"] == "-1"
    assert missing in answer["message"]
    assert await dvcqg.codes() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"TrangThaiHoSo": "11"},
        {"TrangThaiHoSo": 2},
        {"KenhThucHien": "4"},
        {"KenhThucHien": "2"},
        {"LoaiDoiTuong": "0"},
        {"NgayHenTra": "2026-12-01"},
        {"NgayHenTra": "20261301000000"},
        {"TrichYeuHoSo": "x" * 1_001},
        {"HinhThuc": "2"},
        {"NgayHen": "20261201170000"},
        {"DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": 100_000}]},
        {"DanhSachGiayToKetQua": [{"Ten": "Giấy chứng nhận"}]},
    ],
)
async def test_a_header_with_a_wrong_value_is_refused(dvcqg: Partner, wrong: dict[str, Any]) -> None:
    answer = await say(dvcqg, "DongBoHoSoMC", data=[header(**wrong)])
    assert (answer["error_code"], answer["result"]) == ("-1", [])
    assert await dvcqg.codes() == []


async def test_a_header_with_every_list_of_the_contract_is_taken_and_read_back(dvcqg: Partner) -> None:
    lists: dict[str, Any] = {
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "000000000000"}],
        "DSKetNoiCSDL": [{"MaCSDL": "DC"}],
        "TaiLieuNop": [{"TenTepDinhKem": "a.pdf", "DuongDanTaiTepTin": "/tep/a.pdf", "DuocSoHoa": "1"}],
        "DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": "100000"}],
        "DanhSachTepDinhKemKhac": [{"TenGiayTo": "Bản vẽ", "SoLuong": "1"}],
        "DanhSachHoSoBoSung": [{"NgayHenTraTruoc": "20261201170000", "NgayHenTraMoi": "20261208170000"}],
        "DanhSachGiayToKetQua": [{"TenGiayTo": "Giấy chứng nhận"}],
    }
    assert (await say(dvcqg, "DongBoHoSoMC", data=[header(**lists)]))["error_code"] == "0"
    (found,) = await read_back(dvcqg)
    assert {key: found[key] for key in lists} == lists


async def test_a_dossier_that_is_not_received_needs_no_dates(dvcqg: Partner) -> None:
    for state in ("1", "3"):
        body = header(f"H99.01-261119-000{state}", TrangThaiHoSo=state)
        del body["NgayTiepNhan"], body["NgayHenTra"]
        assert (await say(dvcqg, "DongBoHoSoMC", data=[body]))["error_code"] == "0"


async def test_progress_comes_in_batches_of_ten_at_most(dvcqg: Partner) -> None:
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    eleven = [step(NoiDungXuLy=f"Bước {number}") for number in range(11)]
    assert (await say(dvcqg, "CapNhatTienDoHoSoMC", data=eleven))["error_code"] == "-1"
    assert (await say(dvcqg, "CapNhatTienDoHoSoMC", data=eleven[:10]))["error_code"] == "0"
    texts = [one["text"] for one in (await dvcqg.dossier())["progress"]]
    assert texts == [f"Bước {number}" for number in range(10)]


@pytest.mark.parametrize("wrong", [{"NoiDungXuLy": None}, {"NguoiXuLy": "x" * 51}, {"TrangThai": 4}])
async def test_progress_without_content_or_with_a_long_name_is_refused(dvcqg: Partner, wrong: dict[str, Any]) -> None:
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    answer = await say(dvcqg, "CapNhatTienDoHoSoMC", data=[step(**wrong)])
    assert answer["error_code"] == "-1"
    assert next(iter(wrong)) in answer["message"]


async def test_of_a_batch_with_an_unknown_dossier_nothing_is_stored(dvcqg: Partner) -> None:
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    answer = await say(dvcqg, "CapNhatTienDoHoSoMC", data=[step(), step("H99.01-261119-9999")])
    assert answer["error_code"] == "-1"
    assert (await dvcqg.dossier())["progress"] == []


async def test_progress_sent_twice_is_there_twice(dvcqg: Partner) -> None:
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    for _ in range(2):
        await say(dvcqg, "CapNhatTienDoHoSoMC", data=[step()])
    assert (await read_back(dvcqg))[0]["DanhSachTienDo"] == [step(), step()]


async def test_a_call_needs_a_session_a_dstcode_and_a_known_service(dvcqg: Partner) -> None:
    assert (await dvcqg.call("a/mapi/login", ACCOUNT | {"password": "sai"}))["error_code"] == "-1"
    body = {"session": "sai", "madonvi": "H99", "service": "TraCuuHoSo", "mahoso": CODE}
    dstcode = {"dstcode": "VN:THU:1"}
    assert "Phiên" in (await dvcqg.call("a/mapi/g", body, headers=dstcode))["message"]
    body["session"] = await session_of(dvcqg)
    assert "dstcode" in (await dvcqg.call("a/mapi/g", body))["message"]
    assert (await dvcqg.call("a/mapi/g", body, headers=dstcode))["error_code"] == "0"
    assert "Khac" in (await dvcqg.call("a/mapi/g", body | {"service": "Khac"}, headers=dstcode))["message"]


async def bearer(dvcqg: Partner, client: str = "lienthong", key: str = "chi-de-thu") -> dict[str, str]:
    answer = await dvcqg.call("b/GetToken", {"client_id": client, "client_secret": key})
    return {"authorization": f"Bearer {answer['data']['access_token']}"}


def creation(code: str) -> dict[str, Any]:
    return {
        "MaHoSo": code,
        "MaTTHC": "1.000001",
        "ChuHoSo": "Nguyễn Văn Thử",
        "LoaiDoiTuong": 0,
        "MaDonViTiepNhan": "H99.01",
        "NgayNop": "2026-11-19",
        "NgayTiepNhan": "2026-11-19T08:00:00",
        "ThanhPhanHoSo": [{"TenGiayTo": "Đơn", "LoaiBan": 2}],
        "ThongTinNguoiNop": {"HoTen": "Nguyễn Văn Thử"},
    }


async def created(dvcqg: Partner, headers: dict[str, str]) -> dict[str, str]:
    number = (await dvcqg.call("b/GetNextValue", {"code": "H99.01"}, headers=headers))["data"]["MaHoSo"]
    answer = await dvcqg.call("b/CreateDossier", creation(number), headers=headers)
    assert (answer["code"], answer["data"]["maHoSo"]) == (200, number)
    return {"IdHoSo": answer["data"]["idHoSo"], "MaHoSo": number}


def progress(ids: dict[str, str]) -> dict[str, Any]:
    said = {"NguoiXuLy": "Cán bộ thử", "ThoiDiemXuLy": "2026-11-20T09:00:00", "NoiDungXuLy": "Đang xử lý"}
    return {**ids, **said, "TrangThai": 4}


async def test_the_second_dialect_numbers_creates_and_follows_a_dossier(dvcqg: Partner) -> None:
    headers = await bearer(dvcqg)
    ids = await created(dvcqg, headers)
    assert (await dvcqg.dossier(ids["MaHoSo"]))["received_at"] == "2026-11-19T01:00:00.000Z"
    assert (await dvcqg.post("b/CapNhatTienTrinh", progress(ids), headers=headers)).status_code == 200
    status = {**ids, "TrangThai": 9, "NoiDungYKien": "Xong", "DanhSachGiayToKetQua": [{"TenGiayTo": "GCN"}]}
    assert (await dvcqg.call("b/CapNhatTrangThai", status, headers=headers))["code"] == 200
    found = await dvcqg.dossier(ids["MaHoSo"])
    assert (found["state"], found["log_state"], found["fields"]["NoiDungYKien"]) == ("9", "4", "Xong")


async def test_two_numbers_of_a_series_follow_each_other(dvcqg: Partner) -> None:
    headers = await bearer(dvcqg)
    first, second = [(await created(dvcqg, headers))["MaHoSo"] for _ in range(2)]
    assert int(second[-4:]) == int(first[-4:]) + 1


async def test_the_second_dialect_answers_in_http_statuses(dvcqg: Partner) -> None:
    headers, others = await bearer(dvcqg), await bearer(dvcqg, "tinh-khac", "chi-de-thu-khac")
    ids = await created(dvcqg, headers)
    unknown = {**ids, "IdHoSo": "QG999999999"}
    cases = [
        ("GetToken", {"client_id": "lienthong", "client_secret": "sai"}, {}, 401),
        ("CapNhatTienTrinh", progress(ids), {}, 401),
        ("CapNhatTienTrinh", progress(ids), {"authorization": "Bearer sai"}, 401),
        ("CapNhatTienTrinh", progress(ids), others, 403),
        ("CapNhatTienTrinh", progress(unknown), headers, 404),
        ("CapNhatTienTrinh", progress(ids) | {"TrangThai": "4"}, headers, 400),
        ("CapNhatTrangThai", {**ids, "TrangThai": 4, "DanhSachLePhi": [{"Gia": 1}]}, headers, 400),
        ("CreateDossier", creation(ids["MaHoSo"]), headers, 400),
        ("CreateDossier", creation("H99.01-000000-0000"), headers, 400),
        ("CreateDossier", creation(ids["MaHoSo"]), others, 400),
        ("GetNextValue", {"code": ""}, headers, 400),
    ]
    for name, body, given, status in cases:
        answer = await dvcqg.post(f"b/{name}", body, headers=given)
        assert (name, answer.status_code, answer.json()["code"]) == (name, status, status)
    assert (await dvcqg.post("b/TraCuuHoSo", {}, headers=headers)).status_code == 404


async def test_a_citizen_can_withdraw_at_the_portal(dvcqg: Partner) -> None:
    await say(dvcqg, "DongBoHoSoMC", data=[header()])
    assert (await dvcqg.act("withdraw")).json()["state"] == "7"
    assert (await dvcqg.act("withdraw")).status_code == 409
    (found,) = await read_back(dvcqg)
    assert (found["TrangThaiHoSo"], found["DanhSachTienDo"][-1]["TrangThai"]) == ("7", "7")
