-- Its ranges would come to hold old keys and new ones, once rows take the place of those that were dropped.
DROP INDEX CONCURRENTLY "spent_key_created_at_idx";
