-- The start of a flow run is the expected one until it has started: most pages are sorted and filtered by that.
CREATE INDEX flow_run_effective_start ON flow_run ((coalesce(start_time, expected_start_time)));
