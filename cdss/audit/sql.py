"""The one way into the log. It runs with the owner's rights; the application's own role cannot write the table."""

APPEND_FUNCTION = """
CREATE FUNCTION audit_append(entry_body text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  previous_seq bigint;
  previous_hash bytea;
  at timestamptz;
  parsed jsonb := entry_body::jsonb;
  next_hash bytea;
BEGIN
  IF parsed->>'action' IS NULL OR parsed->'actor'->>'kind' IS NULL THEN
    RAISE EXCEPTION 'an audit entry names its action and its actor';
  END IF;
  SELECT h.seq, h.hash INTO previous_seq, previous_hash FROM public.audit_audithead h WHERE h.id = 1 FOR UPDATE;
  at := clock_timestamp();
  next_hash := sha256(
    convert_to('cdss.audit.v1' || chr(10), 'UTF8') || previous_hash || int8send(previous_seq + 1)
    || int8send((extract(epoch FROM at) * 1000000)::bigint) || convert_to(entry_body, 'UTF8'));
  INSERT INTO public.audit_auditentry
    (seq, recorded_at, organisation_id, action, patient_id, body, prev_hash, hash)
  VALUES (previous_seq + 1, at, (parsed->>'organisation')::uuid, parsed->>'action', (parsed->>'patient')::uuid,
          entry_body, previous_hash, next_hash);
  UPDATE public.audit_audithead SET seq = previous_seq + 1, hash = next_hash WHERE id = 1;
  RETURN previous_seq + 1;
END $$;
INSERT INTO audit_audithead (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));
REVOKE ALL ON FUNCTION audit_append(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append(text) TO cdss_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit_audithead FROM cdss_app;
REVOKE INSERT ON audit_auditentry FROM cdss_app;
"""
APPEND_FUNCTION_REVERSE = """
DROP FUNCTION audit_append(text);
DELETE FROM audit_audithead;
"""

# Whoever has the application's password can call the function; nobody can write what a reader of the log stumbles over.
# NOT VALID: what stands in a log already stays there, and the verifier names it.
WELL_FORMED_ENTRIES = """
CREATE FUNCTION audit_keys_are(part jsonb, keys text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT jsonb_typeof(part) = 'object' AND part ?& keys AND part - keys = '{}'::jsonb
$$;
CREATE FUNCTION audit_body_is_well_formed(body jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(
    public.audit_keys_are(body, ARRAY['version', 'action', 'actor', 'organisation', 'subject', 'patient', 'request_id',
                                      'outcome', 'details'])
    AND public.audit_keys_are(body->'actor', ARRAY['kind', 'id', 'name'])
    AND public.audit_keys_are(body->'subject', ARRAY['type', 'id'])
    AND jsonb_typeof(body->'details') = 'object'
    AND body->'version' = '1'::jsonb
    AND jsonb_typeof(body->'action') = 'string' AND jsonb_typeof(body->'outcome') = 'string'
    AND jsonb_typeof(body->'request_id') IN ('string', 'null')
    AND jsonb_typeof(body->'organisation') IN ('string', 'null') AND jsonb_typeof(body->'patient') IN ('string', 'null')
    AND NOT EXISTS (SELECT FROM jsonb_each(body->'actor') part WHERE jsonb_typeof(part.value) <> 'string')
    AND NOT EXISTS (SELECT FROM jsonb_each(body->'subject') part WHERE jsonb_typeof(part.value) <> 'string'),
    false)
$$;
ALTER TABLE audit_auditentry ADD CONSTRAINT audit_entry_is_well_formed
CHECK (audit_body_is_well_formed(body::jsonb)) NOT VALID;
"""
WELL_FORMED_ENTRIES_REVERSE = """
ALTER TABLE audit_auditentry DROP CONSTRAINT audit_entry_is_well_formed;
DROP FUNCTION audit_body_is_well_formed(jsonb);
DROP FUNCTION audit_keys_are(jsonb, text[]);
"""
