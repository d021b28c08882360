import Exposition
