"""The queue of beamline tools, in the shapes of Bluesky's HTTP server."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class QModel(BaseModel):
    """What tools send and get; keys and meanings are those of bluesky-queueserver 0.0.25."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class QNothing(QModel):
    """Nothing that matters here; `lock_key` is left aside."""


class QAdd(QModel):
    """An item to put into the queue: at the back, or at a place (0 is the front), or beside another."""

    item: dict[str, Any]
    pos: Annotated[int, Field(ge=-(2**31), lt=2**31)] | Literal["front", "back"] | None = None
    before_uid: Annotated[str, Field(max_length=64)] | None = None
    after_uid: Annotated[str, Field(max_length=64)] | None = None


class QWhich(QModel):
    """An item of the queue: by its uid, or by its place; the last one when neither is said."""

    uid: Annotated[str, Field(max_length=64)] | None = None
    pos: Annotated[int, Field(ge=-(2**31), lt=2**31)] | Literal["front", "back"] | None = None


class QPause(QModel):
    """Either way what is under way ends first: an action of a laboratory is not broken off."""

    option: Literal["deferred", "immediate"] | None = None


class QSaid(QModel):
    """Whether it was done, and why not."""

    success: bool = True
    msg: str = ""


class QItem(QSaid):
    """An item of the queue."""

    item: dict[str, Any] | None = None
    qsize: int | None = None


class QPlans(QSaid):
    """Plans by name."""

    plans_allowed: dict[str, Any]
    plans_allowed_uid: str


class QPlansExisting(QSaid):
    """Plans by name: the same, for nobody's eyes are less than another's."""

    plans_existing: dict[str, Any]
    plans_existing_uid: str


class QDevices(QSaid):
    """Devices by name."""

    devices_allowed: dict[str, Any]
    devices_allowed_uid: str


class QDevicesExisting(QSaid):
    """Devices by name, the same."""

    devices_existing: dict[str, Any]
    devices_existing_uid: str


class QQueue(QSaid):
    """What waits and what is at work (empty when nothing is)."""

    items: list[dict[str, Any]]
    running_item: dict[str, Any]
    plan_queue_uid: str


class QHistory(QSaid):
    """What has ended, the oldest first."""

    items: list[dict[str, Any]]
    plan_history_uid: str


class QStatus(QModel):
    """The queue at a glance."""

    msg: str
    time: str
    items_in_queue: int
    items_in_history: int
    running_item_uid: str | None
    manager_state: Literal["idle", "executing_queue", "paused"]
    queue_stop_pending: bool
    queue_autostart_enabled: bool = False
    worker_environment_exists: bool
    worker_environment_state: Literal["closed", "idle", "executing_plan"]
    worker_background_tasks: int = 0
    re_state: Literal["idle", "running", "paused"] | None
    ip_kernel_state: str | None = None
    ip_kernel_captured: bool | None = None
    pause_pending: bool
    status_uid: str
    run_list_uid: str
    plan_queue_uid: str
    plan_history_uid: str
    devices_existing_uid: str
    plans_existing_uid: str
    devices_allowed_uid: str
    plans_allowed_uid: str
    plan_queue_mode: dict[str, bool] = {"loop": False, "ignore_failures": False}
    task_results_uid: str
    lock_info_uid: str
    lock: dict[str, bool] = {"environment": False, "queue": False}
