-- Observations that were entered in error or cancelled, by patient: the chart leaves their components out. There are few; without an
-- index of their own each opening of a chart walked all of a patient's Observations for them. The terms are those of
-- Observation.status=entered-in-error and Observation.status=cancelled, as record.life writes them.
CREATE INDEX head_void ON head (pat) WHERE terms && '{-3123600287298424502,-5371517035117309645}'::bigint[];
