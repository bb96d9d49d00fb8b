-- Everything that the installer has made in the database. Packages in BucketFS stay.

DROP SCHEMA EXALLM CASCADE;
