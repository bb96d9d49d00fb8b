-- Everything that the installer and CREATE_FUNCTION have made in the database. Packages in BucketFS
-- stay, and so do the tables that batch runs have filled. Beside the target of a run that was killed
-- and never called again lies a table EXALLM_PENDING_...: drop it by hand.

EXECUTE SCRIPT EXALLM.DROP_FUNCTIONS;

DROP SCHEMA EXALLM CASCADE;

-- The roles are shared by all schemas of exallm. The next statement fails while another schema
-- belongs to EXALLM_ADMIN: stop there, and the roles stay.

DROP ROLE IF EXISTS EXALLM_ADMIN;

DROP ROLE IF EXISTS EXALLM_OPERATOR;

DROP ROLE IF EXISTS EXALLM_USER;
