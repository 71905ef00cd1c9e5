"""A lab's program as ur_rtde's users write it: `python ur_rtde_client.py HOST` prints what it saw as JSON.

In a process of its own: the library waits in C++ and lets no other Python run meanwhile.
"""

import json
import sys
import time

HZ = 100.0


def until(holds, within_s=15.0):
    """Wait, but not for ever."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def refused(call, *args):
    """The words of an error."""
    try:
        call(*args)
    except Exception as error:
        return str(error)
    return ""


def power(host):
    """dashboard_client: what an operator does at the pendant."""
    from dashboard_client import DashboardClient

    board = DashboardClient(host)
    board.connect()
    seen = {"version": board.polyscopeVersion(), "remote": board.isInRemoteControl(), "serial": board.getSerialNumber()}
    seen["off"] = [board.robotmode(), board.safetystatus(), board.safetymode(), board.programState()]
    board.powerOn()
    until(lambda: board.robotmode() == "Robotmode: IDLE")
    board.brakeRelease()
    until(lambda: board.robotmode() == "Robotmode: RUNNING")
    seen["no such program"] = refused(board.loadURP, "nothing.urp")
    board.loadURP("home.urp")
    seen["loaded"] = board.getLoadedProgram()
    board.play()
    until(lambda: board.running())
    until(lambda: not board.running())
    seen["nothing to stop"] = refused(board.stop)
    board.popup("hello")
    board.closePopup()
    board.addToLog("hello")
    board.closeSafetyPopup()
    return board, seen


def motion(control, receive):
    """rtde_control: moves, waited for and not, stops, and what the controller reckons."""
    seen = {"ready": [control.isConnected(), control.isProgramRunning(), control.isSteady()]}
    start = receive.getActualQ()
    aside = [start[0] + 0.5, start[1] + 0.2, *start[2:]]
    seen["moveJ"] = [control.moveJ(aside, 1.05, 1.4), aside]
    until(lambda: max(abs(a - b) for a, b in zip(receive.getActualQ(), aside, strict=True)) < 1e-9)
    pose = receive.getActualTCPPose()
    seen["fk"] = [control.getForwardKinematics(), list(pose)]
    pose[2] += 0.05
    seen["ik"] = control.getInverseKinematics(pose)
    seen["can"] = [control.getInverseKinematicsHasSolution(pose), control.isPoseWithinSafetyLimits([3, 0, 0, 0, 0, 0]),
                   control.isJointsWithinSafetyLimits(aside)]  # fmt: skip
    seen["moveL"] = [control.moveL(pose, 0.25, 1.2), pose]
    until(lambda: abs(receive.getActualTCPPose()[2] - pose[2]) < 1e-9)
    seen["after moveL"] = receive.getActualTCPPose()
    far = [aside[0] - 2.0, *aside[1:]]
    seen["async"] = [control.moveJ(far, 0.5, 1.0, True)]
    until(lambda: abs(receive.getActualQ()[0] - aside[0]) > 0.2)
    seen["on the way"] = [control.isSteady(), control.getAsyncOperationProgress(), max(map(abs, receive.getActualQd()))]
    control.stopJ(2.0)
    until(lambda: max(map(abs, receive.getActualQd())) == 0)  # the two lines of the library need not be in step
    stands = receive.getActualQ()
    time.sleep(0.1)
    seen["stopped"] = [
        control.isSteady(),
        control.getAsyncOperationProgress(),
        stands == receive.getActualQ(),
        stands[0] - far[0],
    ]
    seen["tool"] = [control.setTcp([0, 0, 0.1, 0, 0, 0]), control.getTCPOffset(), control.setTcp([0] * 6)]
    seen["poseTrans"] = control.poseTrans([0.1, 0, 0, 0, 0, 0], [0, 0.2, 0, 0, 0, 0])
    seen["moveJ_IK"], seen["moveL_FK"] = control.moveJ_IK(pose), control.moveL_FK(aside)
    seen["beyond"] = [control.moveL([3.0, 0, 0, 0, 0, 0]), control.isProgramRunning(), control.reuploadScript()]
    until(lambda: control.isProgramRunning())
    return seen


def signals(io, receive):
    """rtde_io: outputs and the speed slider."""
    seen = {"set": [io.setStandardDigitalOut(3, True), io.setToolDigitalOut(1, True), io.setConfigurableDigitalOut(2, True),
                    io.setSpeedSlider(0.5)]}  # fmt: skip
    until(lambda: receive.getTargetSpeedFraction() == 0.5)
    seen["bits"] = receive.getActualDigitalOutputBits()
    io.setStandardDigitalOut(3, False)
    until(lambda: not receive.getDigitalOutState(3))
    io.setSpeedSlider(1.0)
    return seen


def protective_stop(board, control, receive):
    """It stops all, and is taken back by a person only, five seconds later at the earliest."""
    seen = {"asked": control.triggerProtectiveStop()}
    until(receive.isProtectiveStopped)
    seen["state"] = [
        board.safetystatus(),
        receive.getSafetyMode(),
        receive.getSafetyStatusBits(),
        receive.isEmergencyStopped(),
    ]
    seen["moves"] = control.moveJ(receive.getActualQ(), 1.0, 1.0)
    seen["too soon"] = refused(board.unlockProtectiveStop)
    until(lambda: not refused(board.unlockProtectiveStop))
    until(lambda: not receive.isProtectiveStopped())
    control.reuploadScript()
    until(lambda: control.isProgramRunning())
    seen["moves again"] = control.moveJ(receive.getActualQ(), 1.0, 1.0)
    control.stopScript()
    seen["ended"] = control.isProgramRunning()
    return seen


def main(host):
    from rtde_control import RTDEControlInterface
    from rtde_io import RTDEIOInterface
    from rtde_receive import RTDEReceiveInterface

    board, seen = power(host)
    receive, control = RTDEReceiveInterface(host, HZ), RTDEControlInterface(host, HZ)
    io = RTDEIOInterface(host)
    told = {
        "power": seen, "state": [receive.getRobotMode(), receive.getSafetyMode(), receive.getRuntimeState(), receive.getRobotStatus()],
        "joints": receive.getActualQ(), "motion": motion(control, receive), "signals": signals(io, receive),
        "stop": protective_stop(board, control, receive),
    }  # fmt: skip
    board.quit()
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
