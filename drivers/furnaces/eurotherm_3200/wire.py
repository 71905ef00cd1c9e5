"""The wire of a Eurotherm 3200: Modbus holding registers, in TCP frames or RTU ones, both roles, by pymodbus.

Sources: MODBUS Application Protocol Specification V1.1b3 (functions 3, 4, 6 and 16), by the PDUs and framers of
pymodbus 3.16; addresses of Eurotherm, 3100/3200 Series Engineering Handbook (HA028651), "Parameter Modbus Addresses".
That the remote set-point lapses some 5 s after its last writing is the handbook's too, from memory.
Its version (107, to be read as hexadecimal: 0111 is V1.11) as the operator's manual of the 3216 has it, section 9.3;
that table has no serial number.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)

BAUD = 9600
#: How long a remote set-point holds after it was written, s.
REMOTE_S = 5.0


class Register(IntEnum):
    """Addresses; temperatures and rates are scaled by the decimals of the display."""

    PV = 1
    TARGET = 2
    OUTPUT = 4
    WORKING = 5
    SELECT = 15
    SP1 = 24
    REMOTE = 26
    RATE = 35
    STATUS = 75
    VERSION = 107
    USE_REMOTE = 276


def version(register: int) -> str:
    """What `VERSION` says: two hexadecimal digits on either side of the point.

    >>> version(0x0111)
    'V1.11'
    """
    return f"V{register >> 8:x}.{register & 0xFF:02x}"


class Status(IntFlag):
    """The bits of the instrument's status that matter here."""

    ALARM_1 = 1
    SENSOR_BREAK = 1 << 5
    LOOP_BREAK = 1 << 6
    OVER_RANGE = 1 << 10
    REMOTE_LOST = 1 << 14


TROUBLE = {
    Status.SENSOR_BREAK: "its thermocouple is broken",
    Status.LOOP_BREAK: "its heating does not act",
    Status.OVER_RANGE: "its temperature is out of its range",
    Status.ALARM_1: "its alarm is on",
}
EXCEPTIONS = {1: "it does not know the function", 2: "it has no such address", 3: "a value is out of its range",
              4: "it failed", 6: "it is busy"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read, or written; or the code with which it was refused."""

    registers: tuple[int, ...] = ()
    address: int | None = None  # of a register that was written
    refused: int = 0


class Client:
    """CLIENT role: requests in frames, each with a number of its own where the frame has one."""

    def __init__(self, *, rtu: bool, unit: int) -> None:
        self._rtu, self._unit, self._number = rtu, unit, 0

    def read(self, address: int, count: int = 1) -> bytes:
        """Read holding registers.

        >>> Client(rtu=True, unit=1).read(1, 5).hex(" ")
        '01 03 00 01 00 05 d4 09'
        """
        return self._frame(ReadHoldingRegistersRequest(address=address, count=count))

    def write(self, address: int, value: int) -> bytes:
        """Write one register; `value` may be negative.

        >>> Client(rtu=False, unit=1).write(24, -5).hex(" ")
        '00 01 00 00 00 06 01 06 00 18 ff fb'
        """
        return self._frame(WriteSingleRegisterRequest(address=address, registers=[value & 0xFFFF]))

    def _frame(self, pdu: ModbusPDU) -> bytes:
        self._number = self._number % 0xFFFF + 1
        pdu.dev_id, pdu.transaction_id = self._unit, self._number
        framer = FramerRTU if self._rtu else FramerSocket
        return framer(DecodePDU(False)).buildFrame(pdu)

    def replies(self) -> "Replies":
        """The reader of the answer to the last request; answers to others are passed over where they have numbers."""
        return Replies(rtu=self._rtu, unit=self._unit, number=self._number)


class Replies:
    """CLIENT role: the answer out of bytes; raises `ValueError` for what is none."""

    def __init__(self, *, rtu: bool, unit: int, number: int) -> None:
        self._framer = (FramerRTU if rtu else FramerSocket)(DecodePDU(False))
        self._unit, self._number, self._data = unit, number, b""

    def feed(self, data: bytes) -> list[Answer]:
        """The answer that `data` completes."""
        self._data += data
        pdu = _decoded(self._framer, self._data, self._unit, self._number)
        if pdu is None:
            return []
        self._data = b""
        return [_answer(pdu)]


def _decoded(framer: FramerRTU | FramerSocket, data: bytes, unit: int, number: int) -> ModbusPDU | None:
    try:
        _, pdu = framer.handleFrame(data, unit, number)
    except (ModbusException, IndexError, ValueError, ArithmeticError) as error:
        raise ValueError(f"{data!r} is no Modbus frame: {error}") from error
    except Exception as error:  # pymodbus unpacks what it has not measured: struct.error
        raise ValueError(f"{data!r} is no Modbus frame: {error}") from error
    return pdu


def _answer(pdu: ModbusPDU) -> Answer:
    if isinstance(pdu, ExceptionResponse):
        return Answer(refused=pdu.exception_code)
    if isinstance(pdu, ReadHoldingRegistersResponse):
        return Answer(tuple(map(signed, pdu.registers)))
    if isinstance(pdu, WriteSingleRegisterResponse):
        return Answer(tuple(map(signed, pdu.registers)), pdu.address)
    raise ValueError(f"{type(pdu).__name__} was not asked for")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the device sees it: `values` is None for reading; `pdu` is what an answer is framed with."""

    address: int
    count: int
    values: tuple[int, ...] | None
    unit: int
    number: int
    function: int
    is_rtu: bool


class Requests:
    """DEVICE role: requests in either frame, told apart by the check that only RTU has."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[Request]:
        """The requests that `data` completes; what is no frame is thrown away."""
        self._data += data
        found: list[Request] = []
        while self._data and (one := self._next()) is not None:
            found.append(one)
        return found

    def _next(self) -> Request | None:
        for is_rtu, framer in ((True, FramerRTU(DecodePDU(True))), (False, FramerSocket(DecodePDU(True)))):
            if not is_rtu and self._data[2:4] != b"\0\0":
                continue
            try:
                used, pdu = framer.handleFrame(self._data, 0, 0)
            except Exception:  # noqa: S112 - a stranger's bytes; the other frame may fit
                continue
            if pdu is not None:
                self._data = self._data[_length(self._data) if is_rtu else used :]
                return _request(pdu, is_rtu)
        if len(self._data) > FramerSocket.MAX_SIZE:
            self._data = b""
        return None


def _length(data: bytes) -> int:
    """Of the RTU frame with which `data` begins; all of it where noise stands before (pymodbus counts so always)."""
    kind = DecodePDU(True).lookupPduClass(data)
    size = kind.calculateRtuFrameSize(data) if kind is not None else 0
    return (
        size
        if size and FramerRTU.check_CRC(data[: size - 2], int.from_bytes(data[size - 2 : size], "big"))
        else len(data)
    )


def _request(pdu: ModbusPDU, is_rtu: bool) -> Request:
    about = {"unit": pdu.dev_id, "number": pdu.transaction_id, "function": pdu.function_code}
    if isinstance(pdu, ReadHoldingRegistersRequest | ReadInputRegistersRequest):
        return Request(pdu.address, pdu.count, None, is_rtu=is_rtu, **about)
    if isinstance(pdu, WriteSingleRegisterRequest | WriteMultipleRegistersRequest):
        values = tuple(map(signed, pdu.registers))
        return Request(pdu.address, len(values), values, is_rtu=is_rtu, **about)
    return Request(0, 0, None, is_rtu=is_rtu, **about)


def encode_answer(request: Request, answer: Answer) -> bytes:
    """DEVICE role: an answer in the frame of its request."""
    pdu: ModbusPDU
    if answer.refused:
        pdu = ExceptionResponse(request.function, answer.refused)
    else:
        kind = DecodePDU.pdu_table[request.function][1]
        pdu = kind()
        pdu.registers = [value & 0xFFFF for value in answer.registers]
        pdu.address, pdu.count = request.address, request.count
    pdu.dev_id, pdu.transaction_id = request.unit, request.number
    return (FramerRTU if request.is_rtu else FramerSocket)(DecodePDU(True)).buildFrame(pdu)


def signed(word: int) -> int:
    """A register as a number of 16 bits with a sign.

    >>> signed(0xFFFB)
    -5
    """
    return word - 0x10000 if word >= 0x8000 else word
