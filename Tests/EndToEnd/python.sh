# shellcheck shell=bash
# The virtual environments of the end-to-end tests. To be sourced.
# shellcheck disable=SC2034 # All are read by whoever sources this.

venv=
python_problem=

# Makes it; what keeps it from being made goes to `python_problem`: set_up_python ROOT
set_up_python() {
  local root=$1 requirements=$1/Tests/EndToEnd/requirements.txt
  venv=$root/.build/end-to-end-venv
  if ! cmp -s "$requirements" "$venv/requirements.txt"; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv" >/dev/null 2>&1; then
      python_problem="python3 can't make a virtual environment (Debian: python3-venv)"
      return
    fi
    printf 'Installing %s from PyPI\n' "$(tr '\n' ' ' <"$requirements")" >&2
    if ! "$venv/bin/pip" install --quiet --requirement "$requirements" >&2; then
      python_problem="pip can't install $requirements"
      return
    fi
    cp "$requirements" "$venv/requirements.txt"
  fi
}

mlflow_venv=
mlflow_problem=

# Makes an environment with the newest MLflow of a major version; what keeps it from being made goes
# to `mlflow_problem`: set_up_mlflow ROOT MAJOR
set_up_mlflow() {
  local root=$1 major=$2
  local packages=("mlflow>=$major,<$((major + 1))" flask-wtf)
  # 2.22 imports a name that SQLAlchemy 2.1 no longer has.
  ((major > 2)) || packages+=("sqlalchemy<2.1")
  mlflow_venv=$root/.build/mlflow-$major-venv
  mlflow_problem=
  [[ ! -e $mlflow_venv/is-complete ]] || return 0
  rm -rf "$mlflow_venv"
  if ! python3 -m venv "$mlflow_venv" >/dev/null 2>&1; then
    mlflow_problem="python3 can't make a virtual environment (Debian: python3-venv)"
    return
  fi
  printf 'Installing %s from PyPI\n' "${packages[*]}" >&2
  if ! "$mlflow_venv/bin/pip" install --quiet "${packages[@]}" >&2; then
    mlflow_problem="pip can't install ${packages[*]}"
    return
  fi
  touch "$mlflow_venv/is-complete"
}
