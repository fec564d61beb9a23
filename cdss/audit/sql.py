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
