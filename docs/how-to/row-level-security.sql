-- Rows of the relay's tables for the roles of Supabase's API: nobody sees anything but their own
-- transcripts. Run it as the owner of the tables, once and again after an upgrade of the relay.
--
-- The owner, as whom the relay connects, is not bound by these policies.

do $$
declare
  each regclass;
begin
  for each in
    select format('%I', name)::regclass
    from unnest(array['alembic_version', 'analyses', 'api_keys', 'deliveries',
      'enrolments', 'erased', 'kiosks', 'lineage', 'segment_flags', 'segments', 'sign_in_links', 'sign_ins', 'transcripts', 'usage', 'users']
    ) as name
  loop
    execute format('alter table %s enable row level security', each);
    execute format('revoke all on %s from anon, authenticated', each);
  end loop;
end $$;

grant select on transcripts, segments, segment_flags to authenticated;

-- Your server gives a ticket to each of its users, with their id as the subject; the transcripts'
-- account is then `key:`, the 32 digits of the key's id, `:`, and that subject.
drop policy if exists own_transcripts on transcripts;
create policy own_transcripts on transcripts for select to authenticated
  using (kind = 'key' and substr(account, 38) = (select auth.uid())::text);

-- What may be seen of a transcript's segments follows from what may be seen of it.
drop policy if exists own_segments on segments;
create policy own_segments on segments for select to authenticated
  using (exists (select from transcripts where transcripts.id = transcript_id));

drop policy if exists own_segment_flags on segment_flags;
create policy own_segment_flags on segment_flags for select to authenticated
  using (exists (select from transcripts where transcripts.id = transcript_id));
