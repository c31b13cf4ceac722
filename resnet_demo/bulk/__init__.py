"""Any number of pictures to a table: in bounded memory, in parts on the disk, and gone on with where it was stopped."""
