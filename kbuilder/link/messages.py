"""All requests, controls and events together, for the wire and for whoever handles any of them."""

from __future__ import annotations

from kbuilder.link import events, requests, run_events

Request = (
    requests.Infer
    | requests.Arrange
    | requests.Preview
    | requests.CheckCode
    | requests.ComputeSchedule
    | requests.Adapt
    | requests.Train
    | requests.DryRun
    | requests.Sweep
    | requests.Predict
    | requests.Evaluate
    | requests.FindDevices
    | requests.ComputeActivations
    | requests.Export
    | requests.OpenModel
    | requests.MakeApplication
    | requests.MatchWeights
    | requests.CompareWeights
    | requests.LoadWeights
    | requests.Quit
)
Control = (
    requests.Pause
    | requests.Continue
    | requests.Stop
    | requests.Step
    | requests.Break
    | requests.Steer
    | requests.Watch
)
Event = (
    events.Ready
    | events.Inferred
    | events.Arranged
    | events.Previewed
    | events.Progressed
    | events.TrainingStarted
    | events.PointsLogged
    | events.EpochEnded
    | run_events.Noted
    | run_events.Monitored
    | run_events.MachineMeasured
    | run_events.Diagnosed
    | run_events.Stepped
    | run_events.DryRunDone
    | run_events.TrialStarted
    | run_events.TrialEnded
    | run_events.Predicted
    | run_events.Evaluated
    | run_events.DevicesFound
    | events.Paused
    | events.Continued
    | events.FrozenChecked
    | events.CodeChecked
    | events.ScheduleComputed
    | events.Adapted
    | events.WeightsMatched
    | events.WeightsKept
    | events.ActivationsComputed
    | events.Exported
    | events.ModelOpened
    | events.WeightsLoaded
    | events.Finished
    | events.Stopped
    | events.Failed
)
