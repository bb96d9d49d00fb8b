-- The roles of exallm. A role that is there stays, with all who hold it: Exasol has no
-- CREATE ROLE IF NOT EXISTS, so a script looks first. What each role may do is in R__grants.sql.

CREATE OR REPLACE LUA SCRIPT CREATE_ROLES () AS
local roles = {
    {'EXALLM_USER', 'May call the functions of exallm.'},
    {'EXALLM_OPERATOR', 'May also run batches and evaluate models with exallm.'},
    {'EXALLM_ADMIN', 'May also register, promote and retire models with exallm.'}
}
for i = 1, #roles do
    local name = roles[i][1]
    local users = query([[SELECT USER_NAME FROM EXA_ALL_USERS WHERE USER_NAME = :r]], {r = name})
    if #users > 0 then
        error('E-EXALLM-DEPLOY-10: a user has the name of the role ' .. name
            .. '; rename the user, then install again')
    end
    local known = query([[SELECT ROLE_NAME FROM EXA_ALL_ROLES WHERE ROLE_NAME = :r]], {r = name})
    if #known == 0 then
        query([[CREATE ROLE ::r]], {r = quote(name)})
        query([[COMMENT ON ROLE ::r IS :c]], {r = quote(name), c = roles[i][2]})
    end
end
query([[GRANT EXALLM_USER TO EXALLM_OPERATOR]])
query([[GRANT EXALLM_OPERATOR TO EXALLM_ADMIN]])
/

COMMENT ON SCRIPT CREATE_ROLES IS 'Makes the roles EXALLM_USER, EXALLM_OPERATOR and EXALLM_ADMIN where they are missing.';

EXECUTE SCRIPT CREATE_ROLES;
