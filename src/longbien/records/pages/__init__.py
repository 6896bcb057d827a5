"""The pages of the records office: papers and their signatures, the code that anybody may check, records of visits, papers taken
in."""
